package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.read.ListAppender;
import ch.qos.logback.core.spi.FilterReply;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.settings.Settings.LogFormat;
import dev.callboard.settings.Settings.LogLevel;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.TestCallboard;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** What is logged of callbacks, and what the level and the format do. */
final class LogTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final LoggerContext CONTEXT = (LoggerContext) LoggerFactory.getILoggerFactory();

    @AfterEach
    void restoreTheDefaultLevel() {
        LogSetup.apply(LogLevel.INFO, LogFormat.TEXT);
    }

    @Test
    void hasALineForEachFailedTaskAndEachLogStepOfARoute() {
        String steps = "        name: fotor\n      steps:\n";
        String constant = "constant:\n                                expression: refused for content";
        String jsonpath = "jsonpath:\n                                expression: $.why";
        String log = "        - log: {message: \"own line ${variable.provider}\"}\n";
        String routes = TestCallboard.editedRoutes("fotor", text -> text.replace(steps, steps + log)
                .replace(constant, jsonpath)
                .replace("\"$..[?(@.hasHsfw == true)]\"", "$.why"));
        String reason = "first\nsecond \\\"quoted\\\" \u202e" + "long ".repeat(100);
        try (TestCallboard callboard = TestCallboard.start(Backend.H2, Map.of("callboard.routes", routes));
                Logged logged = new Logged()) {
            String body = "{\"taskId\": \"t-1\", \"status\": 2, \"why\": \"" + reason.replace("\n", "\\n") + "\"}";
            assertThat(callboard.post("fotor", body).statusCode()).isEqualTo(200);
            assertThat(callboard.post("fotor", body).statusCode()).isEqualTo(200);

            assertThat(logged.lines("own line fotor")).hasSize(2).allMatch(line -> line.startsWith("INFO "));
            assertThat(logged.lines("failed task")).hasSize(1);
            assertThat(logged.lines("failed task").get(0))
                    .startsWith(
                            "WARN failed task provider=fotor task=\"t-1\" status=\"2\" reason=\"first second 'quoted' long long")
                    .endsWith("…\"")
                    .hasSizeLessThan(300);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "ERROR, false, false, false, false",
        "WARN,  true,  false, false, true",
        "INFO,  true,  true,  false, true",
        "DEBUG, true,  true,  true,  true",
    })
    void hidesLessSevereLinesThanTheLevel(LogLevel level, boolean warn, boolean info, boolean debug, boolean library) {
        LogSetup.apply(level, LogFormat.TEXT);
        for (String name : new String[] {"dev.callboard.Callboard", "fotor", "logger-of-a-log-step"}) {
            assertThat(isShown(name, Level.ERROR)).isTrue();
            assertThat(isShown(name, Level.WARN)).isEqualTo(warn);
            assertThat(isShown(name, Level.INFO)).isEqualTo(info);
            assertThat(isShown(name, Level.DEBUG)).isEqualTo(debug);
        }
        for (String name : new String[] {"org.apache.camel.X", "com.zaxxer.hikari.X", "io.vertx.X", "jakarta.mail.X"}) {
            assertThat(isShown(name, Level.WARN)).isEqualTo(library);
            assertThat(isShown(name, Level.INFO)).isFalse();
        }
    }

    @Test
    void writesAJsonObjectForEachLineOfARunningCallboard() throws Exception {
        ListAppender<ILoggingEvent> events = new ListAppender<>();
        Logger root = CONTEXT.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        String token = "0123456789abcdefghij0123456789ab";
        try (TestCallboard callboard = TestCallboard.start(
                Backend.H2, Map.of("callboard.log.format", "json", "callboard.fotor.token", token))) {
            events.start();
            root.addAppender(events);
            String body = "{\"taskId\": \"t\\\"\\u202e\\u2028-1\", \"status\": 2}";
            assertThat(callboard.post("fotor?token=" + token, body).statusCode())
                    .isEqualTo(200);
            assertThat(callboard.post("fotor?token=" + token + "x", body).statusCode())
                    .isEqualTo(403);
            assertThat(callboard.post("fotor?token=" + token, "{").statusCode()).isEqualTo(400);

            List<String> messages = new ArrayList<>();
            for (ILoggingEvent event : List.copyOf(events.list)) {
                String line = encode(event);
                assertThat(line).endsWith("}\n").doesNotContain(token);
                assertThat(line.indexOf('\n')).isEqualTo(line.length() - 1);
                JsonNode object = JSON.readTree(line);
                assertThat(object.fieldNames()).toIterable().containsExactly("time", "level", "logger", "message");
                assertThat(Instant.parse(object.get("time").asText()))
                        .isEqualTo(event.getInstant().truncatedTo(ChronoUnit.MILLIS));
                assertThat(object.get("level").asText())
                        .isEqualTo(event.getLevel().toString());
                assertThat(object.get("logger").asText()).isEqualTo(event.getLoggerName());
                messages.add(object.get("message").asText());
            }
            assertThat(messages)
                    .anyMatch(line -> line.startsWith("failed task provider=fotor task=\""))
                    .anyMatch(line -> line.startsWith("rejected caller provider=fotor client=127.0.0.1 "))
                    .anyMatch(line -> line.startsWith("invalid callback provider=fotor "));
        } finally {
            root.detachAppender(events);
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "quotes,           `say \"x\" \\ y=\"z\"`, `say \"x\" \\ y=\"z\"`",
                "line breaks,      `a\r\nb\u2028c\u0085d`,  `a b c d`",
                "format,           `a\u202eb\u200bc\u0000d`, `a b c d`",
                "half a pair,      `a\ud800b`,               `a?b`",
                "other scripts,    `\u043f\ud83d\ude00`,      `\u043f\ud83d\ude00`",
                "JSON,             `\"},{\"level\":\"x`,     `\"},{\"level\":\"x`",
            })
    void keepsAMessageInOneFieldOfOneLine(String name, String message, String expected) throws Exception {
        LogSetup.apply(LogLevel.INFO, LogFormat.JSON);
        String line = encode(event("{}", message, null));
        assertThat(line.lines()).hasSize(1);
        assertThat(JSON.readTree(line).get("message").asText()).isEqualTo(expected);
    }

    @Test
    void hasAStackTraceInJsonAtDebugOnly() throws Exception {
        IllegalStateException error = new IllegalStateException("reason\u202e");
        LogSetup.apply(LogLevel.INFO, LogFormat.JSON);
        assertThat(encode(event("{} failed", "it", error)))
                .contains("\"message\":\"it failed\"")
                .doesNotContain("reason")
                .doesNotContain("LogTest");
        LogSetup.apply(LogLevel.DEBUG, LogFormat.JSON);
        String line = encode(event("{} failed", "it", error));
        assertThat(line.lines()).hasSize(1);
        assertThat(JSON.readTree(line).get("stackTrace").asText())
                .startsWith("java.lang.IllegalStateException: reason \n")
                .contains("\n\tat dev.callboard.LogTest");
    }

    @Test
    void returnsToTextForTheNextCallboardInTheProcess() {
        LogSetup.apply(LogLevel.INFO, LogFormat.JSON);
        LogSetup.apply(LogLevel.INFO, LogFormat.TEXT);
        assertThat(encode(event("line {}", "1", null))).doesNotContain("{").contains(" INFO  line 1");
    }

    @Test
    void showsAStackTraceAtDebugOnly() {
        assertThat(output(LogLevel.INFO).lines()).hasSize(1);
        assertThat(output(LogLevel.DEBUG).lines().toList())
                .hasSizeGreaterThan(2)
                .anySatisfy(line -> assertThat(line).contains("\tat dev.callboard.LogTest"));
    }

    private static String output(LogLevel level) {
        LogSetup.apply(level, LogFormat.TEXT);
        LoggingEvent event = event("{}", "one line", new IllegalStateException("reason"));
        assertThat(event.getThrowableProxy()).isInstanceOf(ThrowableProxy.class);
        return encode(event);
    }

    private static LoggingEvent event(String message, String argument, Throwable thrown) {
        Level level = thrown == null ? Level.INFO : Level.ERROR;
        return new LoggingEvent("x", CONTEXT.getLogger("x"), level, message, thrown, new Object[] {argument});
    }

    /** What the console shows of an event. */
    private static String encode(ILoggingEvent event) {
        return new String(console().getEncoder().encode(event), StandardCharsets.UTF_8);
    }

    private static boolean isShown(String name, Level level) {
        Logger logger = CONTEXT.getLogger(name);
        LoggingEvent event = new LoggingEvent("x", logger, level, "line", null, null);
        return logger.isEnabledFor(level) && console().getFilterChainDecision(event) != FilterReply.DENY;
    }

    private static OutputStreamAppender<ILoggingEvent> console() {
        return (OutputStreamAppender<ILoggingEvent>)
                CONTEXT.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).getAppender("console");
    }
}
