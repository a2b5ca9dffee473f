package dev.callboard;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.filter.ThresholdFilter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import dev.callboard.settings.Settings;
import org.slf4j.LoggerFactory;

/** The level of the log, {@code callboard.log.level}. It is that of the whole process. */
final class LogSetup {
    private LogSetup() {}

    /** Sets the level of Callboard and of the routes. Libraries log their warnings at most, whatever the level. */
    static void apply(Settings.LogLevel setting) {
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.valueOf(setting.name()));
        Appender<ILoggingEvent> console = root.getAppender("console");
        ThresholdFilter threshold = new ThresholdFilter();
        threshold.setLevel(setting.name());
        threshold.start();
        console.clearAllFilters();
        console.addFilter(threshold);
    }
}
