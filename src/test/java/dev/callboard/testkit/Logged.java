package dev.callboard.testkit;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/** Captures the log of the whole process while it is open. */
public final class Logged implements AutoCloseable {
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            String thrown = event.getThrowableProxy() == null
                    ? ""
                    : " " + event.getThrowableProxy().getMessage();
            lines.add(event.getLevel() + " " + event.getFormattedMessage() + thrown);
        }
    };

    public Logged() {
        appender.setContext(root.getLoggerContext());
        appender.start();
        root.addAppender(appender);
    }

    public List<String> lines() {
        return lines;
    }

    public List<String> lines(String containing) {
        return lines.stream().filter(line -> line.contains(containing)).toList();
    }

    @Override
    public void close() {
        root.detachAppender(appender);
    }
}
