package dev.callboard.callback;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The URL of a probe has a query parameter that callbacks would be recorded without. Answered 400 with what is expected.
 */
public final class InvalidCallbackUrlException extends Exception {
    private static final long serialVersionUID = 1;

    InvalidCallbackUrlException(String parameter, String expected) {
        // Without a stack trace, which is expensive: callers decide how often it is thrown.
        super(
                "the query parameter " + parameter + " is expected once, as " + expected
                        + "; this caller is admitted, but its callbacks would be recorded without " + parameter,
                null,
                false,
                false);
    }

    /** The members of {@code application/problem+json} (RFC 9457). */
    public Map<String, Object> getDetails() {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("type", "about:blank");
        details.put("title", "Invalid callback URL");
        details.put("status", 400);
        details.put("detail", getMessage());
        return details;
    }
}
