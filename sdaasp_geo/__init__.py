"""sdaasp_geo."""
