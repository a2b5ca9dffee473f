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
import java.util.stream.Collectors;

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
    private final List<KeyColumn> key;
    private final String direction;
    private String next = "WHERE ";
    private String order = "";

    /**
     * A column that orders a list.
     *
     * @param read reads its value from the part of a cursor
     */
    record KeyColumn(String column, Part read) {
        static KeyColumn time(String column) {
            return new KeyColumn(column, Cursor::time);
        }

        static KeyColumn text(String column) {
            return new KeyColumn(column, Cursor::text);
        }

        static KeyColumn number(String column) {
            return new KeyColumn(column, Cursor::number);
        }

        static KeyColumn uuid(String column) {
            return new KeyColumn(column, Cursor::uuid);
        }

        static KeyColumn bytes(String column) {
            return new KeyColumn(column, Cursor::bytes);
        }

        @FunctionalInterface
        interface Part {
            Object of(Cursor cursor, int index) throws InvalidParametersException;
        }
    }

    private PageQuery(String select, String direction, KeyColumn... key) {
        this.sql = new StringBuilder(select);
        this.direction = direction;
        this.key = List.of(key);
    }

    /**
     * A list in ascending order.
     *
     * @param key what orders the list; together unique
     */
    static PageQuery ascending(String select, KeyColumn... key) {
        return new PageQuery(select, "ASC", key);
    }

    /** The same in descending order. */
    static PageQuery descending(String select, KeyColumn... key) {
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

    /**
     * Takes only rows behind this place; takes all if it is empty.
     *
     * @throws InvalidParametersException if the place is none of this list
     */
    PageQuery after(Optional<Cursor> place) throws InvalidParametersException {
        if (place.isPresent()) {
            List<Object> after = new ArrayList<>();
            for (KeyColumn part : key) {
                after.add(part.read().of(place.get(), after.size()));
            }
            where(
                    "(" + columns(", ") + (direction.equals("ASC") ? ") > (?" : ") < (?") + ", ?".repeat(key.size() - 1)
                            + ")",
                    after.toArray());
        }
        return this;
    }

    private String columns(String separator) {
        return key.stream().map(KeyColumn::column).collect(Collectors.joining(separator));
    }

    /**
     * The rows of a page, each with the columns of the answer.
     *
     * @param next where the next page begins; empty if there is none
     */
    record Rows(List<Map<String, Object>> rows, Optional<Cursor> next) {
        static final Rows NONE = new Rows(List.of(), Optional.empty());
    }

    /** Adds to a row what another statement reads. */
    @FunctionalInterface
    interface Detail {
        Detail NONE = row -> {};

        /**
         * Is called once for each row of the page.
         *
         * @param row all of its columns
         */
        void add(Map<String, Object> row) throws SQLException;
    }

    /**
     * Reads the page in the transaction of this connection.
     *
     * @param limit how many rows it has at most
     * @param budget how long they may be together
     */
    Rows read(Connection connection, int limit, Budget budget, Detail detail) throws SQLException {
        List<Map<String, Object>> rows = new ArrayList<>();
        Cursor last = null;
        try (PreparedStatement statement = connection.prepareStatement(text(limit))) {
            statement.setFetchSize(FETCH_SIZE);
            for (int i = 0; i < values.size(); i++) {
                statement.setObject(i + 1, parameter(values.get(i)));
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    if (rows.size() == limit || (budget.isSpent() && last != null)) {
                        return new Rows(rows, Optional.of(last));
                    }
                    Map<String, Object> fields = columns(row);
                    detail.add(fields);
                    last = Cursor.of(key.stream()
                            .map(part -> fields.get("." + part.column()))
                            .toArray());
                    fields.keySet().removeIf(name -> name.startsWith("."));
                    budget.spend(fields);
                    rows.add(fields);
                }
            }
        }
        return new Rows(rows, Optional.empty());
    }

    private String text(int limit) {
        return sql + "\nORDER BY " + order + columns(" " + direction + ", ") + " " + direction + "\nFETCH FIRST "
                + (limit + 1) + " ROWS ONLY";
    }

    private static Object parameter(Object value) {
        return value instanceof Instant time ? time.atOffset(ZoneOffset.UTC) : value;
    }

    /** The values of a row by the names of its columns, as they become JSON. */
    static Map<String, Object> columns(ResultSet row) throws SQLException {
        ResultSetMetaData columns = row.getMetaData();
        Map<String, Object> values = new LinkedHashMap<>();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            String name = columns.getColumnLabel(i);
            values.put(name, value(row, name, columns.getColumnType(i)));
        }
        return values;
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
