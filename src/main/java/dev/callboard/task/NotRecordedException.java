package dev.callboard.task;

/**
 * The database did not commit a callback, or too many are waiting. The caller answers 503, and the provider may send it
 * again: if the commit went through after all, the second one is a duplicate.
 */
public final class NotRecordedException extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean lockTimeout;

    NotRecordedException(String message, Throwable cause) {
        this(message, cause, false);
    }

    NotRecordedException(String message, Throwable cause, boolean lockTimeout) {
        super(message, cause);
        this.lockTimeout = lockTimeout;
    }

    /** Whether another transaction held one task of the group for too long; the other tasks can be recorded. */
    boolean isLockTimeout() {
        return lockTimeout;
    }
}
