package dev.callboard.db;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The statements of {@code src/main/resources/sql}, one in each file. */
public final class SqlFile {
    private SqlFile() {}

    /**
     * The statement in {@code sql/<name>.sql}, without its comments.
     *
     * @throws IllegalArgumentException if there is no such file
     */
    public static String read(String name) {
        try (InputStream in = SqlFile.class.getResourceAsStream("/sql/" + name + ".sql")) {
            if (in == null) {
                throw new IllegalArgumentException("sql/" + name + ".sql is missing");
            }
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return text.replaceAll("(?m)^ *--.*\\R", "").strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
