package dev.callboard;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.filter.ThresholdFilter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.Encoder;
import dev.callboard.settings.Settings;
import org.slf4j.LoggerFactory;

/** The level and the format of the log, {@code callboard.log.*}. They are those of the whole process. */
final class LogSetup {
    /** The encoder of {@code logback.xml}, kept for a process that starts several Callboards. */
    private static Encoder<ILoggingEvent> text;

    private LogSetup() {}

    /**
     * Sets the level of Callboard and of the routes, and the format of all lines. Libraries log their warnings at most,
     * whatever the level.
     */
    static void apply(Settings.LogLevel level, Settings.LogFormat format) {
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        OutputStreamAppender<ILoggingEvent> console = (OutputStreamAppender<ILoggingEvent>) root.getAppender("console");
        applyLevel(root, console, level);
        applyFormat(console, format);
    }

    private static void applyLevel(Logger root, Appender<ILoggingEvent> console, Settings.LogLevel setting) {
        root.setLevel(Level.valueOf(setting.name()));
        ThresholdFilter threshold = new ThresholdFilter();
        threshold.setLevel(setting.name());
        threshold.start();
        console.clearAllFilters();
        console.addFilter(threshold);
    }

    private static synchronized void applyFormat(
            OutputStreamAppender<ILoggingEvent> console, Settings.LogFormat format) {
        if (text == null) {
            text = console.getEncoder();
        }
        if (format == Settings.LogFormat.JSON) {
            JsonLogEncoder json = new JsonLogEncoder();
            json.setContext(console.getContext());
            json.start();
            console.setEncoder(json);
        } else {
            console.setEncoder(text);
        }
    }
}
