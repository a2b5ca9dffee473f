package dev.callboard.callback;

import java.util.List;

/** A callback that is not UTF-8 or not what the provider's schema allows. Answered 400 with what was expected. */
public final class InvalidCallbackException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient List<Problem> problems;

    InvalidCallbackException(String message, List<Problem> problems) {
        // Without a stack trace, which is expensive: callers decide how often it is thrown.
        super(message, null, false, false);
        this.problems = List.copyOf(problems);
    }

    /**
     * One field that is wrong.
     *
     * @param field its place in the body as a JSON Pointer (RFC 6901); empty for the body itself
     * @param expected what is expected there; never what the caller sent
     */
    record Problem(String field, String expected) {}

    List<Problem> problems() {
        return problems;
    }
}
