package dev.callboard.lookup;

import dev.callboard.db.SqlTimes;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A query for one page of a list. Its text is made of fixed fragments; every value is a parameter. A page begins after
 * the key of a row, not after a number of rows, so that each costs the same and rows that are added meanwhile move none.
 * Used once, by one thread.
 *
 * <p>The {@code SELECT} has each column of the order under its own name with a dot before it, beside the columns of the
 * answer.
 */
final class PageQuery {
    /** The driver of PostgreSQL holds so many rows at a time; each may have a text as long as a body. */
    private static final int FETCH_SIZE = 8;

    private final StringBuilder sql;
    private final List<Object> values = new ArrayList<>();
    private final List<String> key;
    private final String direction;
    private String next = "WHERE ";
    private String order = "";

    private PageQuery(String select, String direction, String... key) {
        this.sql = new StringBuilder(select);
        this.direction = direction;
        this.key = List.of(key);
    }

    /** @param key the columns that order the list, together unique */
    static PageQuery ascending(String select, String... key) {
        return new PageQuery(select, "ASC", key);
    }

    /** The same in descending order. */
    static PageQuery descending(String select, String... key) {
        return new PageQuery(select, "DESC", key);
    }

    /** Takes only rows that meet a condition, with its values. */
    PageQuery where(String condition, Object... conditionValues) {
        sql.append('\n').append(next).append(condition);
        next = "AND ";
        values.addAll(List.of(conditionValues));
        return this;
    }

    /** Takes only rows that meet a condition with one value; takes all if the value is empty. */
    PageQuery where(String condition, Optional<?> value) {
        value.ifPresent(present -> where(condition, new Object[] {present}));
        return this;
    }

    /**
     * Takes only rows that have this value in a column; takes all if it is empty. The last one called decides which index
     * H2 reads: it takes one whose first columns are those of the whole order.
     */
    PageQuery whereEqual(String column, Optional<?> value) {
        where(column + " = ?", value);
        value.ifPresent(present -> order = column + " " + direction + ", ");
        return this;
    }

    /** Takes only rows behind this key. */
    PageQuery after(List<?> after) {
        String comparison = direction.equals("ASC") ? ">" : "<";
        where(
                "(" + String.join(", ", key) + ") " + comparison + " (?" + ", ?".repeat(key.size() - 1) + ")",
                after.toArray());
        return this;
    }

    /**
     * One row.
     *
     * @param fields the columns of the answer
     * @param key where the next page begins if this is the last row
     */
    record Row(Map<String, Object> fields, Cursor key) {}

    /**
     * The rows of a page.
     *
     * @param more whether there are others after them
     */
    record Rows(List<Row> rows, boolean more) {
        /** The first rows of these. */
        Rows first(int count) {
            return count < rows.size() ? new Rows(rows.subList(0, count), true) : this;
        }

        List<Map<String, Object>> fields() {
            return rows.stream().map(Row::fields).toList();
        }

        /** Where the next page begins; empty if there is none. */
        Optional<Cursor> next() {
            return more ? Optional.of(rows.get(rows.size() - 1).key()) : Optional.empty();
        }
    }

    /**
     * Reads the page in the transaction of this connection.
     *
     * @param limit how many rows it has at most
     * @param budget how long they may be together
     */
    Rows read(Connection connection, int limit, Budget budget) throws SQLException {
        List<Row> rows = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(text(limit))) {
            statement.setFetchSize(FETCH_SIZE);
            for (int i = 0; i < values.size(); i++) {
                statement.setObject(i + 1, parameter(values.get(i)));
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    if (rows.size() == limit || (budget.isSpent() && !rows.isEmpty())) {
                        return new Rows(rows, true);
                    }
                    rows.add(row(row));
                    budget.spend(rows.get(rows.size() - 1).fields());
                }
            }
        }
        return new Rows(rows, false);
    }

    private String text(int limit) {
        return sql + "\nORDER BY " + order + String.join(" " + direction + ", ", key) + " " + direction
                + "\nFETCH FIRST " + (limit + 1) + " ROWS ONLY";
    }

    private static Object parameter(Object value) {
        return value instanceof Instant time ? time.atOffset(ZoneOffset.UTC) : value;
    }

    private Row row(ResultSet row) throws SQLException {
        ResultSetMetaData columns = row.getMetaData();
        Map<String, Object> fields = new LinkedHashMap<>();
        Map<String, Object> place = new LinkedHashMap<>();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            String name = columns.getColumnLabel(i);
            (name.startsWith(".") ? place : fields).put(name, value(row, name, columns.getColumnType(i)));
        }
        return new Row(
                fields,
                Cursor.of(key.stream().map(column -> place.get("." + column)).toArray()));
    }

    /** A value that becomes the same JSON with either database. */
    private static Object value(ResultSet row, String name, int type) throws SQLException {
        return switch (type) {
            case Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE -> Objects.toString(SqlTimes.get(row, name), null);
            case Types.CLOB -> row.getString(name);
            default -> row.getObject(name);
        };
    }
}
