package dev.callboard.task;

import dev.callboard.text.SafeText;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What a provider's status means. */
public enum Outcome {
    IN_PROGRESS,
    COMPLETED,
    FAILED,
    /** The route does not handle the status. */
    UNKNOWN;

    /** The code in routes, tables and answers: {@code in_progress}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws IllegalArgumentException for any other code */
    static Outcome of(String code) {
        for (Outcome outcome : values()) {
            if (outcome.code().equals(code)) {
                return outcome;
            }
        }
        throw new IllegalArgumentException("'" + SafeText.line(code, 50) + "' is not an outcome; a route sets one of "
                + String.join(", ", codes()));
    }

    /** The codes of all outcomes. */
    public static List<String> codes() {
        return Arrays.stream(values()).map(Outcome::code).toList();
    }

    boolean isFinished() {
        return this == COMPLETED || this == FAILED;
    }
}
