package dev.callboard.task;

import java.util.Locale;

/** Where a recorded callback comes from. */
public enum Origin {
    /** The provider sent it. */
    CALLBACK,
    /** It was replayed from the quarantine. */
    REPLAY,
    /** The provider was asked for it. Only one that changes its task is recorded. */
    LOOKUP;

    /** The code in routes, tables and answers. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws IllegalArgumentException for any other code */
    static Origin of(String code) {
        for (Origin origin : values()) {
            if (origin.code().equals(code)) {
                return origin;
            }
        }
        throw new IllegalArgumentException("'" + code + "' is not an origin; a route sets callback, replay or lookup");
    }
}
