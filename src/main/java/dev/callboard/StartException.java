package dev.callboard;

/**
 * Why Callboard did not start: a setting, a route file, a port or the database. The message is one line for the person
 * who starts it; it names the key or the file that is wrong and never shows a secret.
 */
public final class StartException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private static final int MOST = 500;

    StartException(String message) {
        super(CleanText.line(message, MOST));
    }

    StartException(String message, Throwable cause) {
        super(CleanText.line(message, MOST), cause);
    }

    /** A setting that is wrong: the key, and why its value can't be used. */
    static StartException of(String key, String why) {
        return new StartException(key + ": " + why);
    }
}
