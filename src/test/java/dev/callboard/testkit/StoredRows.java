package dev.callboard.testkit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All rows of a database as texts that are the same on H2 and on PostgreSQL. */
public final class StoredRows {
    private static final String TABLES =
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
                    + " AND table_type = 'BASE TABLE' AND table_name <> 'flyway_schema_history'";

    private StoredRows() {}

    /** The rows of each table, sorted; each is its columns with their values. */
    public static Map<String, List<String>> of(Connection connection) throws SQLException {
        Map<String, List<String>> tables = new TreeMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(TABLES)) {
            while (row.next()) {
                tables.put(row.getString(1), new ArrayList<>());
            }
        }
        for (Map.Entry<String, List<String>> table : tables.entrySet()) {
            read(connection, table.getKey(), table.getValue());
            Collections.sort(table.getValue());
        }
        return tables;
    }

    /** The rows of the database of these settings. */
    public static Map<String, List<String>> of(Map<String, String> settings) throws SQLException {
        try (Connection connection = DriverManager.getConnection(
                settings.get("callboard.database.url"),
                settings.getOrDefault("callboard.database.user", "sa"),
                settings.getOrDefault("callboard.database.password", ""))) {
            return of(connection);
        }
    }

    private static void read(Connection connection, String table, List<String> rows) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT * FROM " + table)) {
            ResultSetMetaData columns = row.getMetaData();
            while (row.next()) {
                Map<String, String> values = new TreeMap<>();
                for (int i = 1; i <= columns.getColumnCount(); i++) {
                    values.put(columns.getColumnLabel(i), value(row, i));
                }
                rows.add(values.toString());
            }
        }
    }

    private static String value(ResultSet row, int column) throws SQLException {
        String type = row.getMetaData().getColumnTypeName(column);
        if (type.equals("timestamptz") || type.equals("TIMESTAMP WITH TIME ZONE")) {
            OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
            return time == null ? null : time.toInstant().toString();
        }
        if (type.equals("bytea") || type.equals("BINARY VARYING")) {
            byte[] bytes = row.getBytes(column);
            return bytes == null ? null : HexFormat.of().formatHex(bytes);
        }
        // A boolean is t on PostgreSQL.
        return row.getObject(column) instanceof Boolean flag ? flag.toString() : row.getString(column);
    }
}
