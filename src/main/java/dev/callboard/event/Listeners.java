package dev.callboard.event;

import dev.callboard.settings.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether anybody listens to changes of tasks. */
public final class Listeners {
    /** The file of the user's route. */
    static final String FILE = "on-task-change.camel.yaml";

    /** The same file as it is delivered, in the jar. */
    private static final String DELIVERED = "/delivered-routes/" + FILE;

    private Listeners() {}

    /** Whether changes are to become events: the settings say so, or there is a URL or an edited route to take them. */
    public static boolean listen(Settings settings) {
        return switch (settings.events().enabled()) {
            case TRUE -> true;
            case FALSE -> false;
            case AUTO ->
                settings.events().url().isPresent()
                        || isEdited(settings.routes().folder().resolve(FILE));
        };
    }

    /** Whether the user's route is another one than that in the jar; not if it is missing. */
    static boolean isEdited(Path file) {
        if (!Files.exists(file)) {
            return false;
        }
        try (InputStream delivered = Listeners.class.getResourceAsStream(DELIVERED)) {
            if (delivered == null) {
                throw new IllegalStateException(DELIVERED + " is missing in the jar");
            }
            String text = new String(delivered.readAllBytes(), StandardCharsets.UTF_8);
            // Git and editors may have changed the line ends.
            return !normal(Files.readAllBytes(file))
                    .equals(text.replace("\r\n", "\n").strip());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String normal(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8).replace("\r\n", "\n").strip();
    }
}
