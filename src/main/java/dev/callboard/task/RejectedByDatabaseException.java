package dev.callboard.task;

/**
 * A callback that the database refuses for what is in it, however often it is tried; nothing of it is kept in the
 * tables of tasks. The schema or the recording should not have let it so far, so it is our fault.
 */
public final class RejectedByDatabaseException extends Exception {
    private static final long serialVersionUID = 1;

    RejectedByDatabaseException(String message, Throwable cause) {
        super(message, cause);
    }
}
