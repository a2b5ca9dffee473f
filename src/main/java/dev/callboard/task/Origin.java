package dev.callboard.task;

import java.util.Locale;

/** How a callback reached us. */
public enum Origin {
    /** The provider sent it. */
    CALLBACK,
    /** It was replayed from the quarantine. */
    REPLAY;

    /** The word in routes, tables and answers. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws IllegalArgumentException for any other word */
    static Origin of(String word) {
        for (Origin origin : values()) {
            if (origin.word().equals(word)) {
                return origin;
            }
        }
        throw new IllegalArgumentException("'" + word + "' is not an origin; a route sets callback or replay");
    }
}
