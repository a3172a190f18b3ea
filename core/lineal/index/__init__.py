"""The derived index: tables, query language, planner and pages."""
