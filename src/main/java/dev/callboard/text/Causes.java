package dev.callboard.text;

import java.sql.SQLException;

/** Describes exceptions on one line of the log. */
public final class Causes {
    private static final int MAX_FRAMES = 4;
    private static final int MAX_MESSAGE = 300;

    private Causes() {}

    /**
     * The chain of causes with the places in the code where they arose, on one line. Messages of libraries are left out,
     * since those of Camel and of databases quote bodies and rows.
     */
    public static String describe(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable e = error; e != null; e = e.getCause()) {
            text.append(text.isEmpty() ? "" : " <- ").append(e.getClass().getName());
            if (e instanceof IllegalArgumentException
                    || e.getClass().getPackageName().startsWith("dev.callboard")) {
                text.append(": ").append(SafeText.line(String.valueOf(e.getMessage()), MAX_MESSAGE));
            }
            if (e instanceof SQLException database) {
                text.append(": SQL state ").append(database.getSQLState());
            }
            StackTraceElement[] frames = e.getStackTrace();
            for (int i = 0; i < Math.min(MAX_FRAMES, frames.length); i++) {
                text.append(" at ").append(frames[i]);
            }
        }
        return text.toString();
    }
}
