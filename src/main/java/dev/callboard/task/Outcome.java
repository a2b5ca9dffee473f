package dev.callboard.task;

import java.util.Locale;

/** What a provider's status means. */
public enum Outcome {
    IN_PROGRESS,
    COMPLETED,
    FAILED,
    /** No route knows the status. */
    UNKNOWN;

    /** The word in routes, tables and answers: {@code in_progress}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws IllegalArgumentException for any other word */
    static Outcome of(String word) {
        for (Outcome outcome : values()) {
            if (outcome.word().equals(word)) {
                return outcome;
            }
        }
        throw new IllegalArgumentException(
                "'" + word + "' is not an outcome; a route sets in_progress, completed, failed or unknown");
    }

    boolean isFinished() {
        return this == COMPLETED || this == FAILED;
    }
}
