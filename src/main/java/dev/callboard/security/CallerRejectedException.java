package dev.callboard.security;

/** A caller that is not let in. Answered 403 with an empty body; the reason is in the log alone. */
public final class CallerRejectedException extends Exception {
    private static final long serialVersionUID = 1;

    private final RejectionReason reason;
    private final String place;

    /**
     * @param place where the caller was seen, as {@link Client#place}
     * @param message why, as which address and through which proxy; nothing of the caller's but addresses and cut,
     *     cleaned text
     */
    CallerRejectedException(RejectionReason reason, String place, String message) {
        // Without a stack trace: strangers decide how often it is thrown.
        super(message, null, false, false);
        this.reason = reason;
        this.place = place;
    }

    RejectionReason reason() {
        return reason;
    }

    String place() {
        return place;
    }
}
