package dev.callboard;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Writes each line of the log as a JSON object (RFC 8259) in UTF-8, for {@code callboard.log.format=json}: {@code time} in
 * UTC as ISO 8601, {@code level}, {@code logger}, {@code message}, and {@code stackTrace} where {@link StackTraceAtDebug}
 * shows one. Safe for use by any number of threads.
 *
 * <p>Logback's own encoder would show the stack trace and the message of each exception at every level, and would pass on
 * format characters.
 */
final class JsonLogEncoder extends EncoderBase<ILoggingEvent> {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Messages can contain text from a caller; {@code logback.xml} replaces the same characters in text. */
    private static final Pattern INVISIBLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\u2028\\u2029]+");

    private static final Pattern INVISIBLE_IN_TRACE = Pattern.compile("[\\p{Cc}\\p{Cf}\\u2028\\u2029&&[^\n\t]]+");

    private final StackTraceAtDebug stackTraces = new StackTraceAtDebug();

    @Override
    public void start() {
        stackTraces.start();
        super.start();
    }

    @Override
    public byte[] encode(ILoggingEvent event) {
        Map<String, String> line = new LinkedHashMap<>();
        line.put("time", event.getInstant().truncatedTo(ChronoUnit.MILLIS).toString());
        line.put("level", event.getLevel().toString());
        line.put("logger", event.getLoggerName());
        line.put(
                "message",
                INVISIBLE.matcher(String.valueOf(event.getFormattedMessage())).replaceAll(" "));
        String stackTrace = stackTraces.convert(event);
        if (!stackTrace.isEmpty()) {
            line.put("stackTrace", INVISIBLE_IN_TRACE.matcher(stackTrace).replaceAll(" "));
        }
        try {
            // By way of a string, since half of a surrogate pair can't be written as bytes.
            return (JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public byte[] headerBytes() {
        return new byte[0];
    }

    @Override
    public byte[] footerBytes() {
        return new byte[0];
    }
}
