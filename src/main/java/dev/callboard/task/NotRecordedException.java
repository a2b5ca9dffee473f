package dev.callboard.task;

/** A callback that was not recorded because the database did not commit it; nothing of it is kept. Answered 503. */
public final class NotRecordedException extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean becauseOfALock;

    NotRecordedException(String message, Throwable cause) {
        this(message, cause, false);
    }

    NotRecordedException(String message, Throwable cause, boolean becauseOfALock) {
        super(message, cause);
        this.becauseOfALock = becauseOfALock;
    }

    /** Whether somebody else held a task for too long; the others of the group are not concerned. */
    boolean isBecauseOfALock() {
        return becauseOfALock;
    }
}
