package dev.callboard;

/** A caller that is not let in. Answered 403 with an empty body; the reason is in the log alone. */
public final class CallerRefusedException extends Exception {
    private static final long serialVersionUID = 1;

    CallerRefusedException(String reason) {
        // Without a stack trace: strangers decide how often it is thrown.
        super(reason, null, false, false);
    }
}
