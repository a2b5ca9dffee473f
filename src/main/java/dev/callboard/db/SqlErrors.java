package dev.callboard.db;

import java.sql.SQLException;

/**
 * What an SQL error means for the caller, by its SQL state. H2 and PostgreSQL use different exception classes but mostly
 * the same states.
 */
public final class SqlErrors {
    private static final String UNIQUE_VIOLATION = "23505";
    private static final String SERIALIZATION_FAILURE = "40001";
    private static final String DEADLOCK = "40P01";
    private static final String H2_CONCURRENT_UPDATE = "90131";
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final String H2_LOCK_TIMEOUT = "HYT00";

    private SqlErrors() {}

    /** Whether the statement failed because of a concurrent transaction, so that a new attempt may succeed. */
    public static boolean isRace(SQLException e) {
        return switch (state(e)) {
            case UNIQUE_VIOLATION, SERIALIZATION_FAILURE, DEADLOCK, H2_CONCURRENT_UPDATE -> true;
            default -> false;
        };
    }

    /** Whether another transaction held a lock for too long. */
    public static boolean isLockTimeout(SQLException e) {
        return switch (state(e)) {
            case LOCK_NOT_AVAILABLE, H2_LOCK_TIMEOUT -> true;
            default -> false;
        };
    }

    /**
     * Whether the error is about a value: it is out of range (22), violates a constraint (23, a unique violation included),
     * exceeds a limit of the database (54), or a trigger rejects it (P0).
     */
    public static boolean isContentError(SQLException e) {
        return switch (state(e).substring(0, 2)) {
            case "22", "23", "54", "P0" -> true;
            default -> false;
        };
    }

    /** Whether the error may lie with the connection or the database, rather than with the statement. */
    public static boolean isConnectionSuspect(SQLException e) {
        return !isRace(e) && !isLockTimeout(e) && !isContentError(e);
    }

    /** An error that {@link #isRace} takes for one, for a race that no statement reports. */
    public static SQLException race(String message) {
        return new SQLException(message, SERIALIZATION_FAILURE);
    }

    /** What went wrong, without the message, which may quote values that came from a provider. */
    public static String describe(SQLException e) {
        return e.getClass().getSimpleName() + ", SQL state " + e.getSQLState();
    }

    /** Never shorter than a state's class of two characters. */
    private static String state(SQLException e) {
        String state = e.getSQLState();
        return state == null || state.length() < 2 ? "??" : state;
    }
}
