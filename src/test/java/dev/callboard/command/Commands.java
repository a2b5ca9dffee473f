package dev.callboard.command;

import dev.callboard.settings.Settings;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;

/** What the tests of the commands have in common. */
final class Commands {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** Where a command writes. */
    final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

    /** What was written so far. */
    String output() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    static Settings settings(Map<String, String> values) {
        Properties properties = new Properties();
        properties.putAll(values);
        return Settings.read(Path.of("no-file"), Map.of(), properties);
    }
}
