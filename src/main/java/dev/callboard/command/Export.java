package dev.callboard.command;

import dev.callboard.db.Database;
import dev.callboard.db.SqlErrors;
import dev.callboard.db.SqlFile;
import dev.callboard.db.Transaction;
import dev.callboard.settings.Settings;
import dev.callboard.text.SafeText;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;

/**
 * {@code callboard export}: copies every table of the H2 database to a PostgreSQL database whose tables are empty, in one
 * transaction, so that all is copied or nothing. H2's file can only be open in one process, so Callboard is stopped
 * meanwhile. The memory does not grow with the number of rows.
 */
final class Export {
    /** How many rows a batch has at most. */
    private static final int BATCH = 500;

    /** How many characters of texts a batch has before it is sent. */
    private static final int MAX_BATCH_CHARACTERS = 4_000_000;

    private static final int MAX_REASON = 200;

    private static final SqlFile SQL = SqlFile.read("export");
    private static final String TABLES = SQL.statement("tables");
    private static final String IDENTITY_COLUMNS = SQL.statement("identity-columns");

    private Export() {}

    /**
     * Copies all tables and compares the numbers of their rows.
     *
     * @param from the database of the settings
     * @throws CommandFailedException if {@code from} is not H2, {@code to} not an empty PostgreSQL, or an SQL statement
     *     fails; nothing has been copied then
     */
    static void run(Settings.Database from, Settings.Database to, PrintStream out) throws CommandFailedException {
        if (Database.file(from).isEmpty()) {
            throw new CommandFailedException(
                    "callboard.database.url is not a file of H2, so there is nothing to export");
        }
        if (Database.file(to).isPresent()) {
            throw new CommandFailedException("--to is not a URL like jdbc:postgresql://host:5432/callboard");
        }
        if (Database.find(from) == Database.Tables.MISSING) {
            throw new CommandFailedException("there is no database at " + Database.location(from.url()));
        }
        long begin = System.nanoTime();
        try {
            // Migrates the tables of the one, and creates those of the other.
            Database.open(from).close();
            Database.open(to).close();
            Properties login = new Properties();
            login.setProperty("user", to.user());
            login.setProperty("password", to.password());
            login.setProperty("reWriteBatchedInserts", "true");
            login.setProperty("logServerErrorDetail", "false");
            login.setProperty("ApplicationName", "callboard export");
            try (Connection read = Database.connectToRead(from);
                    Connection write = DriverManager.getConnection(to.url(), login)) {
                Map<String, Long> copied = Transaction.run(write, connection -> copy(read, connection, out));
                execute(write, "ANALYZE");
                out.println("Copied "
                        + copied.values().stream().mapToLong(Long::longValue).sum() + " rows in "
                        + Duration.ofNanos(System.nanoTime() - begin).toSeconds()
                        + " s; both databases have the same numbers. Set these, and start Callboard:");
                out.println("  callboard.database.url=" + Database.location(to.url()));
                out.println("  callboard.database.user=" + to.user());
                out.println("  callboard.database.password=...");
            }
        } catch (SQLException e) {
            throw new CommandFailedException(
                    e instanceof Refusal
                            ? e.getMessage()
                            : "nothing was copied: " + SafeText.line(e.getMessage(), MAX_REASON) + " ("
                                    + SqlErrors.describe(e) + ")",
                    e);
        }
    }

    private static Map<String, Long> copy(Connection read, Connection write, PrintStream out) throws SQLException {
        // Rows are read as they are needed, not all at once.
        execute(read, "SET LAZY_QUERY_EXECUTION TRUE");
        Map<String, Long> copied = new LinkedHashMap<>();
        List<String> tables = tables(write);
        for (String table : tables) {
            // A Callboard that starts on it now waits, and so does another export.
            execute(write, "LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE");
            if (count(write, table) > 0) {
                throw new Refusal("the table " + table + " of the database at --to has rows; it must be empty");
            }
        }
        for (String table : tables) {
            long rows = copy(table, read, write);
            long before = count(read, table);
            long after = count(write, table);
            if (rows != before || rows != after) {
                throw new Refusal("the table " + table + " has " + before + " rows, but " + after + " were copied");
            }
            copied.put(table, rows);
            out.println(String.format("%-16s %,12d rows", table, rows));
        }
        continueNumbers(write);
        return copied;
    }

    private static List<String> tables(Connection write) throws SQLException {
        List<String> tables = new ArrayList<>();
        try (Statement statement = write.createStatement();
                ResultSet row = statement.executeQuery(TABLES)) {
            while (row.next()) {
                tables.add(row.getString(1));
            }
        }
        return tables;
    }

    private static long copy(String table, Connection read, Connection write) throws SQLException {
        try (Statement select = read.createStatement();
                ResultSet row = select.executeQuery("SELECT * FROM " + table)) {
            ResultSetMetaData columns = row.getMetaData();
            List<String> names = new ArrayList<>();
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                names.add(columns.getColumnLabel(i));
            }
            String sql = "INSERT INTO " + table + " (" + String.join(", ", names)
                    + ") OVERRIDING SYSTEM VALUE VALUES ("
                    + String.join(", ", Collections.nCopies(names.size(), "?")) + ")";
            try (PreparedStatement insert = write.prepareStatement(sql)) {
                return copy(row, columns, insert);
            }
        }
    }

    private static long copy(ResultSet row, ResultSetMetaData columns, PreparedStatement insert) throws SQLException {
        long rows = 0;
        int waiting = 0;
        long characters = 0;
        while (row.next()) {
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                Object value = value(row, i, columns.getColumnTypeName(i));
                insert.setObject(i, value);
                characters += value instanceof String text ? text.length() : 0;
            }
            insert.addBatch();
            rows++;
            waiting++;
            if (waiting == BATCH || characters > MAX_BATCH_CHARACTERS) {
                insert.executeBatch();
                waiting = 0;
                characters = 0;
            }
        }
        if (waiting > 0) {
            insert.executeBatch();
        }
        return rows;
    }

    /** In the class that PostgreSQL's driver takes for the type. */
    private static Object value(ResultSet row, int column, String type) throws SQLException {
        return switch (type) {
            case "CHARACTER VARYING", "CHARACTER LARGE OBJECT" -> row.getString(column);
            case "BINARY VARYING" -> row.getBytes(column);
            case "UUID" -> row.getObject(column, UUID.class);
            case "TIMESTAMP WITH TIME ZONE" -> row.getObject(column, OffsetDateTime.class);
            default -> row.getObject(column);
        };
    }

    /** New rows get the numbers after those that were copied. */
    private static void continueNumbers(Connection write) throws SQLException {
        Map<String, String> columns = new LinkedHashMap<>();
        try (Statement statement = write.createStatement();
                ResultSet row = statement.executeQuery(IDENTITY_COLUMNS)) {
            while (row.next()) {
                columns.put(row.getString("table_name"), row.getString("column_name"));
            }
        }
        for (Map.Entry<String, String> column : columns.entrySet()) {
            execute(
                    write,
                    "SELECT setval(pg_get_serial_sequence('" + column.getKey() + "', '" + column.getValue()
                            + "'), (SELECT MAX(" + column.getValue() + ") FROM " + column.getKey() + "))");
        }
    }

    private static long count(Connection connection, String table) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT COUNT(*) FROM " + table)) {
            row.next();
            return row.getLong(1);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Ends the transaction; its message is for the user. */
    private static final class Refusal extends SQLException {
        private static final long serialVersionUID = 1;

        Refusal(String message) {
            super(message);
        }
    }
}
