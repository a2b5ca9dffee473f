package dev.callboard.settings;

import dev.callboard.text.SafeText;

/**
 * Why Callboard did not start: a setting, a route file, a port or the database. The message is one line for the person
 * who starts it; it names the key or the file that is wrong and never shows a secret.
 */
public final class StartException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private static final int MAX_MESSAGE = 500;

    public StartException(String message) {
        super(SafeText.line(message, MAX_MESSAGE));
    }

    public StartException(String message, Throwable cause) {
        super(SafeText.line(message, MAX_MESSAGE), cause);
    }

    /** A setting that is wrong: the key, and why its value can't be used. */
    public static StartException of(String key, String why) {
        return new StartException(key + ": " + why);
    }
}
