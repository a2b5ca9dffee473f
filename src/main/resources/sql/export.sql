-- The statements of the command export that name no table.

-- name: tables
-- Of PostgreSQL, with the tables before those that refer to them.
SELECT tables.table_name
  FROM information_schema.tables
 WHERE table_schema = current_schema()
   AND table_type = 'BASE TABLE'
   AND table_name <> 'flyway_schema_history'
 ORDER BY EXISTS (SELECT 1
                    FROM information_schema.table_constraints AS reference
                   WHERE reference.table_schema = tables.table_schema
                     AND reference.table_name = tables.table_name
                     AND reference.constraint_type = 'FOREIGN KEY'),
          tables.table_name

-- name: identity-columns
-- The columns of PostgreSQL that number their rows.
SELECT table_name, column_name
  FROM information_schema.columns
 WHERE table_schema = current_schema()
   AND is_identity = 'YES'
