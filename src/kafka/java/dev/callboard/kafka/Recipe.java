package dev.callboard.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.NewProviderTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The code blocks of the manual's chapter on Kafka, and their effect on {@code routes/}. */
record Recipe(String topic, String settings, String parameter, String steps, String taskKey, String consumer) {
    private static final Path CHAPTER = Path.of("src/docs/kafka.md");
    private static final Pattern BLOCK = Pattern.compile("(?s)\n```(\\w*)\n(.*?)\n```");
    private static final String LAST_STEPS = "          - to:\n              description: The provider's router maps";
    private static final String ROUTE = "    route:\n";
    private static final String FOTOR = "        value: fotor\n";
    private static final String CREATIFY = "        value: creatify\n";

    static Recipe read() {
        try {
            List<String> blocks = BLOCK.matcher(Files.readString(CHAPTER))
                    .results()
                    .map(block -> block.group(2) + "\n")
                    .toList();
            assertThat(blocks).hasSize(6);
            return new Recipe(
                    blocks.get(0), blocks.get(1), blocks.get(2), blocks.get(3), blocks.get(4), blocks.get(5));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The recipe with another option in the step that sends to the topic. */
    Recipe edited(String from, String to) {
        assertThat(steps).contains(from);
        return new Recipe(topic, settings, parameter, steps.replace(from, to), taskKey, consumer);
    }

    /** Writes the routes of this project, changed as the chapter says, into a new folder. */
    Path write(Path folder) throws IOException {
        Files.createDirectories(folder);
        Path copy = NewProviderTest.copyOfRoutes();
        try (Stream<Path> files = Files.list(copy)) {
            for (Path file : files.toList()) {
                Files.writeString(folder.resolve(file.getFileName()), changed(file));
            }
        }
        Files.writeString(folder.resolve("consume-callbacks.camel.yaml"), consumer);
        return folder;
    }

    private String changed(Path file) throws IOException {
        String text = Files.readString(file);
        return switch (file.getFileName().toString()) {
            case "receive-callback.camel.yaml" -> {
                assertThat(text).contains(LAST_STEPS).containsOnlyOnce(ROUTE);
                yield text.substring(0, text.indexOf(LAST_STEPS)).replace(ROUTE, parameter + ROUTE) + steps;
            }
            case "fotor.camel.yaml" -> {
                assertThat(text).containsOnlyOnce(FOTOR);
                yield text.replace(FOTOR, FOTOR + taskKey.replace("body[id]", "body[taskId]"));
            }
            case "creatify.camel.yaml" -> {
                assertThat(text).containsOnlyOnce(CREATIFY);
                yield text.replace(CREATIFY, CREATIFY + taskKey);
            }
            default -> text;
        };
    }

    /** Writes the chapter's settings, with other brokers. */
    void writeSettings(Path folder, String brokers) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("application.properties"), settings.replaceFirst("=.*", "=" + brokers));
    }

    int partitions() {
        return number("partitions");
    }

    short replicationFactor() {
        return (short) number("replication-factor");
    }

    private int number(String option) {
        Matcher matcher = Pattern.compile("--" + option + " (\\d+)").matcher(topic);
        assertThat(matcher.find()).isTrue();
        return Integer.parseInt(matcher.group(1));
    }

    Map<String, String> topicConfiguration() {
        Map<String, String> configuration = new HashMap<>();
        for (MatchResult option : Pattern.compile("--config (\\S+)=(\\S+)")
                .matcher(topic)
                .results()
                .toList()) {
            configuration.put(option.group(1), option.group(2));
        }
        return configuration;
    }
}
