package dev.callboard.task;

/**
 * A route ended as if the callback were recorded, which it is not. The route is wrong: the caller answers 500 and
 * quarantines the callback.
 */
public final class UnrecordedCallbackException extends Exception {
    private static final long serialVersionUID = 1;

    /** @param message the place, and what is wrong there */
    public UnrecordedCallbackException(String message) {
        // Without a stack trace: the message names the place.
        super(message, null, false, false);
    }
}
