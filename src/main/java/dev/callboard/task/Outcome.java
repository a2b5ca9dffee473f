package dev.callboard.task;

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
        throw new IllegalArgumentException(
                "'" + code + "' is not an outcome; a route sets in_progress, completed, failed or unknown");
    }

    boolean isFinished() {
        return this == COMPLETED || this == FAILED;
    }
}
