package dev.callboard.db;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * A file of {@code src/main/resources/sql} with the statements of one class. A line {@code -- name: insert-task} begins
 * each statement. Immutable, and safe for use by any number of threads.
 */
public final class SqlFile {
    private static final String NAME = "(?m)^-- name: ";

    private final String file;
    private final Map<String, String> statements;

    private SqlFile(String file, Map<String, String> statements) {
        this.file = file;
        this.statements = statements;
    }

    /**
     * Reads {@code sql/<name>.sql}.
     *
     * @throws IllegalArgumentException if there is no such file
     */
    public static SqlFile read(String name) {
        String file = "sql/" + name + ".sql";
        try (InputStream in = SqlFile.class.getResourceAsStream("/" + file)) {
            if (in == null) {
                throw new IllegalArgumentException(file + " is missing");
            }
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return new SqlFile(file, statements(text));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, String> statements(String text) {
        Map<String, String> statements = new HashMap<>();
        String[] sections = text.split(NAME, -1);
        // The first section is what precedes the first statement.
        for (int i = 1; i < sections.length; i++) {
            String[] nameAndStatement = sections[i].split("\\R", 2);
            statements.put(
                    nameAndStatement[0].strip(),
                    nameAndStatement[1].replaceAll("(?m)^ *--.*\\R", "").strip());
        }
        return statements;
    }

    /**
     * The statement of this name, without its comments.
     *
     * @throws IllegalArgumentException if the file has no such statement
     */
    public String statement(String name) {
        String statement = statements.get(name);
        if (statement == null) {
            throw new IllegalArgumentException(file + " has no statement " + name);
        }
        return statement;
    }
}
