package dev.callboard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** The recipes for {@code on-task-change.camel.yaml} in the README's chapter on events. */
public enum EventRecipes {
    ONLY_VIDEOS,
    KAFKA,
    CHAT,
    TABLE,
    ROW;

    private static final Pattern BLOCK = Pattern.compile("(?s)\n```(yaml|sql)\n(.*?)\n```");
    private static final String CHAPTER = "\n## Tell your own systems\n";
    private static final String STEPS = "      steps:\n";

    /** The code block as it stands in the README. */
    public String text() {
        try {
            String readme = Files.readString(Path.of("README.md"));
            int begin = readme.indexOf(CHAPTER);
            String chapter = readme.substring(begin, readme.indexOf("\n## ", begin + 1));
            List<String> blocks = BLOCK.matcher(chapter)
                    .results()
                    .map(block -> block.group(2) + "\n")
                    .toList();
            assertThat(blocks).hasSize(values().length);
            return blocks.get(List.of(values()).indexOf(this));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Replaces the steps of the route in a copy of the routes; returns the value of {@code callboard.routes} for it. */
    public static String routes(String steps) {
        return TestCallboard.editedRoutes("on-task-change", text -> text.substring(0, text.indexOf(STEPS)) + steps);
    }
}
