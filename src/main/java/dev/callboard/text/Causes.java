package dev.callboard.text;

import java.sql.SQLException;
import java.util.Optional;

/** Finds and describes the causes of exceptions. */
public final class Causes {
    private static final int MAX_FRAMES = 4;
    private static final int MAX_MESSAGE = 300;

    private Causes() {}

    /** The first of an exception, which may be null, and its causes that is of a type. */
    public static <T extends Throwable> Optional<T> find(Throwable error, Class<T> type) {
        for (Throwable e = error; e != null; e = e.getCause()) {
            if (type.isInstance(e)) {
                return Optional.of(type.cast(e));
            }
        }
        return Optional.empty();
    }

    /** The last of the causes of an exception; itself if it has none. */
    public static Throwable root(Throwable error) {
        Throwable root = error;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }

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
