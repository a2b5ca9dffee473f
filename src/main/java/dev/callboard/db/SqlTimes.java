package dev.callboard.db;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/** Instants as values of {@code TIMESTAMP WITH TIME ZONE}. JDBC has no type for an {@link Instant}. */
public final class SqlTimes {
    private SqlTimes() {}

    /** The value of a column; null if it is null. */
    public static Instant get(ResultSet row, String column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    /** Sets a parameter; the instant may be null. */
    public static void set(PreparedStatement statement, int index, Instant instant) throws SQLException {
        statement.setObject(
                index, instant == null ? null : instant.atOffset(ZoneOffset.UTC), Types.TIMESTAMP_WITH_TIMEZONE);
    }
}
