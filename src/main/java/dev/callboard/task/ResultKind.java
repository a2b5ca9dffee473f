package dev.callboard.task;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What a file is that a task produced. */
public enum ResultKind {
    IMAGE,
    VIDEO,
    AUDIO,
    /** Any other file. */
    FILE;

    /** The code in routes, tables and answers. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The codes of all kinds. */
    public static List<String> codes() {
        return Arrays.stream(values()).map(ResultKind::code).toList();
    }
}
