package dev.callboard.task;

/**
 * The database rejects a callback for its content, on every attempt; nothing of it is stored. The schema or {@link
 * TaskRecorder} should have prevented that, so it is a bug: the caller answers 500 and quarantines the callback.
 */
public final class RejectedByDatabaseException extends Exception {
    private static final long serialVersionUID = 1;

    RejectedByDatabaseException(String message, Throwable cause) {
        super(message, cause);
    }
}
