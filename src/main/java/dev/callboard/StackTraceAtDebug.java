package dev.callboard;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.pattern.ThrowableProxyConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The word {@code %stackTrace} in the pattern of the log: the stack trace of an error, if the level is debug. */
public final class StackTraceAtDebug extends ThrowableProxyConverter {
    @Override
    public String convert(ILoggingEvent event) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        boolean debug = context.getLogger(Logger.ROOT_LOGGER_NAME).getEffectiveLevel().levelInt <= Level.DEBUG_INT;
        return debug ? super.convert(event) : "";
    }
}
