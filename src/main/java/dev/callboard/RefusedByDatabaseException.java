package dev.callboard;

/**
 * A callback that the database refuses for what is in it, however often it is tried; nothing of it is kept in the
 * tables of tasks. The schema or the recording should not have let it so far, so it is our fault.
 */
public final class RefusedByDatabaseException extends Exception {
    private static final long serialVersionUID = 1;

    RefusedByDatabaseException(String message, Throwable cause) {
        super(message, cause);
    }
}
