<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="fr">
 <context>
  <name>SDAASP</name>
  <message>
   <location filename="../algorithms/acces.py" />
   <source>Accès aux services</source>
   <translation>Access to services</translation>
  </message>
  <message>
   <location filename="../algorithms/annexe.py" />
   <source>Annexe (DOCX)</source>
   <translation>Annex (DOCX)</translation>
  </message>
  <message>
   <location filename="../algorithms/annexe.py" />
   <source>Annexe (HTML)</source>
   <translation>Annex (HTML)</translation>
  </message>
  <message>
   <location filename="../algorithms/annexe.py" />
   <source>Annexe (PDF)</source>
   <translation>Annex (PDF)</translation>
  </message>
  <message>
   <location filename="../algorithms/annexe.py" />
   <source>Annexe d'une convention</source>
   <translation>Annex of a convention</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Arrêté : rien n'a changé, l'environnement précédent reste en place s'il y en avait un.</source>
   <translation>Stopped: nothing has changed, the former environment stays in place if there was one.</translation>
  </message>
  <message>
   <location filename="../algorithms/parameters.py" />
   <source>Arrêté : rien n'a été écrit.</source>
   <translation>Stopped: nothing was written.</translation>
  </message>
  <message>
   <location filename="../installation.py" />
   <source>Aucun Python {oldest} ou plus récent n'a été trouvé. Installez-en un (celui de QGIS n'est jamais modifié), ou indiquez son emplacement dans « Python de base ».</source>
   <translation>No Python {oldest} or later was found. Install one (that of QGIS is never changed), or tell where it is in "Base Python".</translation>
  </message>
  <message>
   <location filename="../settings.py" />
   <source>Aucun interpréteur Python n'est choisi pour SDAASP. Lancez « Installer le moteur de calcul » (boîte à outils de traitements, SDAASP › Réglages), ou choisissez-en un dans Préférences › Options › SDAASP.</source>
   <translation>No Python interpreter is chosen for SDAASP. Run "Install the computing engine" (Processing toolbox, SDAASP › Settings), or choose one in Settings › Options › SDAASP.</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Autoriser le téléchargement des paquets qui manquent</source>
   <translation>Allow the download of the packages that are missing</translation>
  </message>
  <message>
   <location filename="../algorithms/frontiere.py" />
   <source>Bilan de frontière</source>
   <translation>Balance of the border</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>But</source>
   <translation>Aim</translation>
  </message>
  <message>
   <location filename="../algorithms/carte.py" />
   <source>Calcule tout : cartes interactives (elles s'ouvrent dans un navigateur, sans réseau), atlas, annexes des conventions, fiches de négociation, tableaux et couches avec leurs styles.

Compter une minute environ pour un département ; davantage avec un réseau routier.</source>
   <translation>Computes everything: interactive maps (they open in a browser, without network), atlas, annexes of the conventions, negotiation sheets, tables, and layers with their styles.

About a minute for a département; more with a road network.</translation>
  </message>
  <message>
   <location filename="../algorithms/carte.py" />
   <source>Carte et résultat complet</source>
   <translation>Map and complete result</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Cartes et documents</source>
   <translation>Maps and documents</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_diff.py" />
   <source>Changements : {count}</source>
   <translation>Changes: {count}</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Charger les couches dans le projet</source>
   <translation>Load the layers into the project</translation>
  </message>
  <message>
   <location filename="../algorithms/deficits.py" />
   <source>Communes au-delà des seuils d'accès du schéma, zones déficitaires qu'elles forment (groupes de communes contiguës, avec leurs habitants), et critères : choix entre plusieurs lieux, heures d'ouverture, soir, samedi.

Un temps égal au seuil y satisfait. Les autres critères sont dans le menu Styles de la couche des communes.</source>
   <translation>Communes beyond the access thresholds of the scheme, the zones of deficit that they form (groups of adjacent communes, with their inhabitants), and criteria: choice between several places, opening hours, evening, Saturday.

A time equal to the threshold satisfies it. The other criteria are in the menu Styles of the layer of communes.</translation>
  </message>
  <message>
   <location filename="../algorithms/perimetres.py" />
   <source>Communes, intercommunalités (EPCI), pôles d'équilibre (PETR) et EPCI voisins du département d'un schéma. Chaque EPCI et chaque PETR a trois chiffres : entier, dans le département, hors du département.

Le dossier du résultat reçoit layers.gpkg (couches et styles) et tables/ (CSV : communes, epci, petr, voisins, différences et évolutions de périmètre).</source>
   <translation>Communes, intercommunal bodies (EPCI), rural poles (PETR) and neighbouring EPCI of the département of a scheme. Each EPCI and PETR has three figures: whole, inside the département, outside it.

The result folder receives layers.gpkg (layers and styles) and tables/ (CSV: communes, epci, petr, neighbours, differences and changes of perimeter).</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_diff.py" />
   <source>Compare les couches corrigées à ce qui avait été exporté et écrit un fichier de corrections (CSV) : objet, champ, ancienne et nouvelle valeur, motif, date. Tout est contrôlé ; les défauts sont listés ensemble, et rien n'est écrit s'il y en a.

Le fichier se donne ensuite aux traitements (paramètre Fichier de corrections), ou se nomme dans scheme.toml : corrections = ["corrections.csv"].</source>
   <translation>Compares the corrected layers with what was exported and writes a change file (CSV): object, field, old and new value, reason, date. Everything is checked; faults are listed together, and nothing is written where there are any.

The file is then given to the algorithms (parameter Change file), or named in scheme.toml: corrections = ["corrections.csv"].</translation>
  </message>
  <message>
   <location filename="../algorithms/parameters.py" />
   <source>Contours des communes (à la place de ceux du schéma)</source>
   <translation>Contours of the communes (instead of the scheme's)</translation>
  </message>
  <message>
   <location filename="../algorithms/controle_grille.py" />
   <source>Contrôle de la grille commune</source>
   <translation>Check of the common grid</translation>
  </message>
  <message>
   <location filename="../algorithms/controle_grille.py" />
   <source>Contrôle un fichier de services rempli par un opérateur (CSV, XLSX, ODS) et écrit un rapport : chaque défaut avec sa ligne, sa colonne et le remède, et une copie du fichier à corriger, où il est en couleur.

Un fichier qui a des défauts n'est pas une erreur : CONFORME est alors faux, et DEFAUTS les compte.</source>
   <translation>Checks a file of services filled by an operator (CSV, XLSX, ODS) and writes a report: each fault with its row, its column and the remedy, and a copy of the file to correct, where it is coloured.

A file with faults is not an error: CONFORME is then false, and DEFAUTS counts them.</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_export.py" />
   <source>Corrections : couches à corriger</source>
   <translation>Corrections: layers to correct</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_diff.py" />
   <source>Corrections : fichier de corrections</source>
   <translation>Corrections: change file</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Couche {name}</source>
   <translation>Layer {name}</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_diff.py" />
   <source>Couches corrigées (GeoPackage)</source>
   <translation>Corrected layers (GeoPackage)</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_export.py" />
   <source>Couches à corriger</source>
   <translation>Layers to correct</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>Couvrir le plus d'habitants</source>
   <translation>Cover the most inhabitants</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Création de l'environnement</source>
   <translation>Making the environment</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Crée un environnement Python à part, dans le profil de QGIS, et y installe le paquet sdaasp_geo qui accompagne l'extension. Il faut un Python 3.11 ou plus récent : celui de QGIS n'est jamais modifié ; il ne sert de base que s'il n'y en a pas d'autre. L'environnement précédent ne disparaît que lorsque le nouveau est prêt.

Dossier : {folder}
Serait téléchargé par pip, si vous l'autorisez : {fetched}.</source>
   <translation>Makes a Python environment of its own, in the profile of QGIS, and installs there the package sdaasp_geo that comes with the plugin. A Python 3.11 or later is needed: that of QGIS is never changed; it serves as the base only where there is no other. The former environment goes only once the new one is ready.

Folder: {folder}
pip would fetch, if you allow it: {fetched}.</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_diff.py" />
   <source>Date des corrections</source>
   <translation>Date of the corrections</translation>
  </message>
  <message>
   <location filename="../algorithms/frontiere.py" />
   <source>De quel côté de la limite du département est le lieu le plus proche, combien d'habitants gagnent à la passer, et de combien la compétence des guichets allonge leur trajet (pénalité administrative) ; bilan à négocier avec chaque EPCI voisin.

La pénalité administrative est dans le menu Styles de la couche des communes.</source>
   <translation>On which side of the border of the département the nearest place is, how many inhabitants gain by crossing it, and how much longer the competence of the counters makes their trip (administrative penalty); balance to negotiate with each neighbouring EPCI.

The administrative penalty is in the menu Styles of the layer of communes.</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_diff.py" />
   <source>Des modifications ne sont pas enregistrées dans : {names}. Enregistrez-les, puis recommencez.</source>
   <translation>Edits are not saved in: {names}. Save them, then try again.</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Diagnostic</source>
   <translation>Diagnosis</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Donnez le nom d'un schéma embarqué, ou le dossier d'un schéma.</source>
   <translation>Give the name of an embedded scheme, or the folder of a scheme.</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Données et corrections</source>
   <translation>Data and corrections</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Dossier des fichiers .whl (par défaut : celui de l'extension)</source>
   <translation>Folder of the .whl files (by default: the plugin's)</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Dossier du résultat</source>
   <translation>Result folder</translation>
  </message>
  <message>
   <location filename="../algorithms/deficits.py" />
   <source>Déficits et zones</source>
   <translation>Deficits and zones</translation>
  </message>
  <message>
   <location filename="../algorithms/parameters.py" />
   <source>Fichier de corrections</source>
   <translation>Change file</translation>
  </message>
  <message>
   <location filename="../algorithms/controle_grille.py" />
   <source>Fichier rempli (CSV, XLSX, ODS)</source>
   <translation>Filled file (CSV, XLSX, ODS)</translation>
  </message>
  <message>
   <location filename="../installation.py" />
   <source>Il n'y a pas de paquet sdaasp_geo (fichier .whl) dans {folder}. Déposez-y celui qui accompagne l'extension, ou choisissez un interpréteur qui a déjà le paquet (Préférences › Options › SDAASP).</source>
   <translation>There is no package sdaasp_geo (.whl file) in {folder}. Put there the one that comes with the plugin, or choose an interpreter that has the package already (Settings › Options › SDAASP).</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>Implantation de nouveaux lieux</source>
   <translation>Siting of new places</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Installation du paquet</source>
   <translation>Installing the package</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Installer le moteur de calcul</source>
   <translation>Install the computing engine</translation>
  </message>
  <message>
   <location filename="../plugin.py" />
   <source>Installer le moteur de calcul…</source>
   <translation>Install the computing engine…</translation>
  </message>
  <message>
   <location filename="../algorithms/annexe.py" />
   <source>Intercommunalité (SIREN ou nom)</source>
   <translation>Intercommunal body (SIREN or name)</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Interpréteur</source>
   <translation>Interpreter</translation>
  </message>
  <message>
   <location filename="../options_page.py" />
   <source>Interpréteur Python</source>
   <translation>Python interpreter</translation>
  </message>
  <message>
   <location filename="../algorithms/controle_grille.py" />
   <source>Jour auquel les dates sont jugées (par défaut : la plus récente)</source>
   <translation>Day by which dates are judged (by default: the latest)</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>L'environnement {folder} ne peut pas être remplacé : {error}. Fermez les calculs en cours et relancez.</source>
   <translation>The environment {folder} cannot be replaced: {error}. Close the calculations that are running and start again.</translation>
  </message>
  <message>
   <location filename="../protocol.py" />
   <source>L'interpréteur choisi n'a pas le paquet sdaasp_geo, ou en a une version trop ancienne.</source>
   <translation>The chosen interpreter has no package sdaasp_geo, or too old a version of it.</translation>
  </message>
  <message>
   <location filename="../settings.py" />
   <source>L'interpréteur {python} n'existe pas. Choisissez-en un dans Préférences › Options › SDAASP.</source>
   <translation>The interpreter {python} does not exist. Choose one in Settings › Options › SDAASP.</translation>
  </message>
  <message>
   <location filename="../algorithms/parameters.py" />
   <source>La couche ne peut pas être copiée pour le moteur de calcul : {failure}.</source>
   <translation>The layer cannot be copied for the computing engine: {failure}.</translation>
  </message>
  <message>
   <location filename="../protocol.py" />
   <source>Lancez « Installer le moteur de calcul » (extension SDAASP {version}), ou choisissez un autre interpréteur Python dans Préférences › Options › SDAASP.</source>
   <translation>Run "Install the computing engine" (plugin SDAASP {version}), or choose another Python interpreter in Settings › Options › SDAASP.</translation>
  </message>
  <message>
   <location filename="../algorithms/controle_grille.py" />
   <source>Le fichier est conforme</source>
   <translation>The file conforms</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Le moteur de calcul s'est arrêté sans réponse (code {code}) :</source>
   <translation>The computing engine stopped without an answer (code {code}):</translation>
  </message>
  <message>
   <location filename="../protocol.py" />
   <source>Le paquet sdaasp_geo {found} est plus ancien que l'extension {version} (protocole {theirs}, {ours} attendu).</source>
   <translation>The package sdaasp_geo {found} is older than the plugin {version} (protocol {theirs}, {ours} expected).</translation>
  </message>
  <message>
   <location filename="../protocol.py" />
   <source>Le paquet sdaasp_geo {found} est plus récent que l'extension {version} (protocole {theirs}, {ours} attendu). Mettez l'extension à jour.</source>
   <translation>The package sdaasp_geo {found} is newer than the plugin {version} (protocol {theirs}, {ours} expected). Update the plugin.</translation>
  </message>
  <message>
   <location filename="../options_page.py" />
   <source>Les calculs se font dans un interpréteur Python à part, qui a le paquet sdaasp_geo : rien n'est installé dans celui de QGIS.</source>
   <translation>The computing is done by a Python interpreter of its own, which has the package sdaasp_geo: nothing is installed in that of QGIS.</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>Lieux nouveaux, au plus</source>
   <translation>New places, at most</translation>
  </message>
  <message>
   <location filename="../algorithms/acces.py" />
   <source>Minutes en voiture de chaque commune au lieu le plus proche, pour chaque service que le schéma mesure, de part et d'autre des limites du département ; couverture par EPCI, PETR et département.

Sans réseau routier, les temps sont une estimation, avec une bande d'erreur : une commune dont la bande contient le seuil est « à vérifier ».

Les points de service d'une couche de QGIS peuvent remplacer ceux du schéma : elle a les colonnes de la grille commune, sa géométrie donne la position.</source>
   <translation>Minutes by car from each commune to the nearest place, for each service that the scheme measures, on both sides of the borders of the département; coverage by EPCI, PETR and département.

Without a road network, times are an estimate, with an error band: a commune whose band contains the threshold is "to verify".

The places of service of a layer of QGIS may replace those of the scheme: it has the columns of the common grid, its geometry gives the position.</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_diff.py" />
   <source>Motif, là où le champ motif est vide</source>
   <translation>Reason, where the field motif is empty</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_diff.py" />
   <source>Nombre de changements</source>
   <translation>Number of changes</translation>
  </message>
  <message>
   <location filename="../algorithms/controle_grille.py" />
   <source>Nombre de défauts</source>
   <translation>Number of faults</translation>
  </message>
  <message>
   <location filename="../algorithms/parameters.py" />
   <source>Ou dossier d'un schéma (il contient scheme.toml)</source>
   <translation>Or folder of a scheme (it holds scheme.toml)</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Page {name}</source>
   <translation>Page {name}</translation>
  </message>
  <message>
   <location filename="../installation.py" />
   <source>Paquets qui ne sont pas fournis avec l'extension, et que pip téléchargerait : {names}. Cochez « Autoriser le téléchargement », ou déposez leurs fichiers .whl dans {folder}.</source>
   <translation>Packages that do not come with the plugin, and that pip would download: {names}. Tick "Allow the download", or put their .whl files in {folder}.</translation>
  </message>
  <message>
   <location filename="../algorithms/parameters.py" />
   <source>Points de service (à la place de ceux du schéma)</source>
   <translation>Places of service (instead of the scheme's)</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>Propose où ouvrir de nouveaux lieux d'un service, parmi les communes, avec la preuve que le choix est le meilleur (ou de combien il s'en approche), et dit ce que coûterait la fermeture de chaque lieu existant.

Trois buts : couvrir le plus d'habitants dans le seuil, rapprocher (raccourcir le temps moyen), ou tout couvrir avec le moins de lieux possible (le nombre de lieux ne sert alors pas).</source>
   <translation>Proposes where to open new places of a service, among the communes, with the proof that the choice is the best (or how near it comes), and tells what closing each existing place would cost.

Three aims: cover the most inhabitants within the threshold, bring nearer (shorten the mean time), or cover everyone with as few places as possible (the number of places does not serve then).</translation>
  </message>
  <message>
   <location filename="../options_page.py" />
   <source>Prêt : sdaasp_geo {version}, Python {python}.</source>
   <translation>Ready: sdaasp_geo {version}, Python {python}.</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Python de base (par défaut : le premier qui convient)</source>
   <translation>Base Python (by default: the first that serves)</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Python de base : {python}, celui de QGIS. Il n'est pas modifié.</source>
   <translation>Base Python: {python}, that of QGIS. It is not changed.</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Python de base : {python}.</source>
   <translation>Base Python: {python}.</translation>
  </message>
  <message>
   <location filename="../algorithms/perimetres.py" />
   <source>Périmètres : EPCI, PETR, limitrophes</source>
   <translation>Perimeters: EPCI, PETR, neighbours</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>Rapprocher : raccourcir le temps moyen</source>
   <translation>Bring nearer: shorten the mean time</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Réglages</source>
   <translation>Settings</translation>
  </message>
  <message>
   <location filename="../plugin.py" />
   <source>Réglages…</source>
   <translation>Settings…</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>Réseau routier (.osm.pbf, .gpkg, .shp)</source>
   <translation>Road network (.osm.pbf, .gpkg, .shp)</translation>
  </message>
  <message>
   <location filename="../provider.py" />
   <source>SDAASP : accès des habitants aux services au public</source>
   <translation>SDAASP: access of inhabitants to public services</translation>
  </message>
  <message>
   <location filename="../algorithms/parameters.py" />
   <source>Schéma embarqué (nom)</source>
   <translation>Embedded scheme (name)</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>Service (code)</source>
   <translation>Service (code)</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>Seuil (minutes)</source>
   <translation>Threshold (minutes)</translation>
  </message>
  <message>
   <location filename="../algorithms/implantation.py" />
   <source>Tout couvrir, avec le moins de lieux</source>
   <translation>Cover everyone, with the fewest places</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>Version du paquet</source>
   <translation>Version of the package</translation>
  </message>
  <message>
   <location filename="../options_page.py" />
   <source>Vérifier</source>
   <translation>Check</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>rien</source>
   <translation>nothing</translation>
  </message>
  <message>
   <location filename="../algorithms/moteur.py" />
   <source>{label} : échec (code {code}). Le détail est au-dessus ; corrigez-le, puis relancez. L'environnement précédent reste en place, s'il y en avait un.</source>
   <translation>{label}: failed (code {code}). The details are above; correct what they tell, then start again. The former environment stays in place, if there was one.</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>{python} ne démarre pas : {error}. Choisissez un autre interpréteur.</source>
   <translation>{python} does not start: {error}. Choose another interpreter.</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>À savoir : {warning}</source>
   <translation>Note: {warning}</translation>
  </message>
  <message>
   <location filename="../algorithms/base.py" />
   <source>Écrit dans {folder} :</source>
   <translation>Written in {folder}:</translation>
  </message>
  <message>
   <location filename="../algorithms/annexe.py" />
   <source>Écrit l'annexe de la convention d'une intercommunalité signataire, en HTML, DOCX et PDF : les mêmes chiffres dans les trois.

L'intercommunalité est donnée par son SIREN ou son nom ; un nom qui désigne plusieurs EPCI est refusé, avec les plus proches. En lot, une ligne par SIREN de la couche epci.</source>
   <translation>Writes the annex of the convention of a signing intercommunal body, in HTML, DOCX and PDF: the same figures in the three.

The body is given by its SIREN or its name; a name that stands for several is refused, with the nearest. In batch, one row for each SIREN of the layer epci.</translation>
  </message>
  <message>
   <location filename="../algorithms/corrections_export.py" />
   <source>Écrit un GeoPackage à corriger dans QGIS : déplacer, modifier, supprimer ou ajouter un point de service ; choisir le guichet compétent d'une commune (champ guichet). Le champ motif dit pourquoi. Le champ identifiant ne se modifie pas ; il reste vide pour un point ajouté.

Ensuite : enregistrer les couches, puis « Corrections : fichier de corrections ».</source>
   <translation>Writes a GeoPackage to correct in QGIS: move, change, delete or add a place of service; choose the competent counter of a commune (field guichet). The field motif says why. The field identifiant is not to be changed; it stays empty for a place that is added.

Then: save the layers, and run "Corrections: change file".</translation>
  </message>
 </context>
</TS>
