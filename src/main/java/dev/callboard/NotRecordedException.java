package dev.callboard;

/** A callback that was not recorded because the database did not commit it; nothing of it is kept. Answered 503. */
public final class NotRecordedException extends Exception {
    private static final long serialVersionUID = 1;

    NotRecordedException(String message, Throwable cause) {
        super(message, cause);
    }
}
