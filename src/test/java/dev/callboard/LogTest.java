package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.spi.FilterReply;
import dev.callboard.settings.Settings.LogLevel;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.TestCallboard;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** What is logged of callbacks, and what the level does. */
final class LogTest {
    private static final LoggerContext CONTEXT = (LoggerContext) LoggerFactory.getILoggerFactory();

    @AfterEach
    void restoreTheDefaultLevel() {
        LogSetup.apply(LogLevel.INFO);
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
        LogSetup.apply(level);
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
    void showsAStackTraceAtDebugOnly() {
        assertThat(output(LogLevel.INFO).lines()).hasSize(1);
        assertThat(output(LogLevel.DEBUG).lines().toList())
                .hasSizeGreaterThan(2)
                .anySatisfy(line -> assertThat(line).contains("\tat dev.callboard.LogTest"));
    }

    private static String output(LogLevel level) {
        LogSetup.apply(level);
        LoggingEvent event = new LoggingEvent(
                "x", CONTEXT.getLogger("x"), Level.ERROR, "one line", new IllegalStateException("reason"), null);
        assertThat(event.getThrowableProxy()).isInstanceOf(ThrowableProxy.class);
        return new String(console().getEncoder().encode(event), StandardCharsets.UTF_8);
    }

    private static boolean isShown(String name, Level level) {
        Logger logger = CONTEXT.getLogger(name);
        LoggingEvent event = new LoggingEvent("x", logger, level, "line", null, null);
        return logger.isEnabledFor(level) && console().getFilterChainDecision(event) != FilterReply.DENY;
    }

    private static OutputStreamAppender<ch.qos.logback.classic.spi.ILoggingEvent> console() {
        return (OutputStreamAppender<ch.qos.logback.classic.spi.ILoggingEvent>)
                CONTEXT.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).getAppender("console");
    }
}
