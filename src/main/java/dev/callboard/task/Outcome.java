package dev.callboard.task;

import dev.callboard.text.SafeText;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What a provider's status means. */
public enum Outcome {
    /** The task was announced, and nothing was received yet. No callback has it. */
    EXPECTED,
    IN_PROGRESS,
    COMPLETED,
    FAILED,
    /** The route does not handle the status. */
    UNKNOWN;

    /** The code in routes, tables and answers: {@code in_progress}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The outcome of a code in a column. */
    static Outcome ofColumn(String code) {
        return valueOf(code.toUpperCase(Locale.ROOT));
    }

    /**
     * The outcome that a route has set.
     *
     * @throws IllegalArgumentException for any other code, and for {@link #EXPECTED}
     */
    static Outcome of(String code) {
        if (!codesForRoutes().contains(code)) {
            throw new IllegalArgumentException("'" + SafeText.line(code, 50)
                    + "' is not an outcome; a route sets one of " + String.join(", ", codesForRoutes()));
        }
        return ofColumn(code);
    }

    /** The codes that a route may set: all but that of {@link #EXPECTED}. */
    public static List<String> codesForRoutes() {
        return Arrays.stream(values())
                .filter(outcome -> outcome != EXPECTED)
                .map(Outcome::code)
                .toList();
    }

    /** Whether it says where the task stands at the provider. */
    boolean isKnown() {
        return this != EXPECTED && this != UNKNOWN;
    }

    boolean isFinished() {
        return this == COMPLETED || this == FAILED;
    }
}
