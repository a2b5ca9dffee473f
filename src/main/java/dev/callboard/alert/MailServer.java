package dev.callboard.alert;

import dev.callboard.settings.Settings;
import java.time.Clock;
import java.time.Duration;
import java.util.Properties;
import org.apache.camel.builder.ThreadPoolProfileBuilder;
import org.apache.camel.component.mail.JavaMailSender;
import org.apache.camel.spi.ThreadPoolProfile;

/**
 * The sender of mails that the settings describe: a mail server (RFC 5321), with STARTTLS (RFC 3207) or TLS from the
 * start (RFC 8314), or a folder of files.
 */
public final class MailServer {
    /** How long the server may take to accept the connection, to reply to a command and to take a part of a mail. */
    private static final Duration STEP_TIMEOUT = Duration.ofSeconds(10);

    /** How long it may take until it has the content of a mail; far shorter than {@link Outbox#LEASE_TIMEOUT}. */
    static final Duration MAIL_TIMEOUT = Duration.ofSeconds(60);

    /** How long it may then take to say whether it accepts the mail: RFC 5321, 4.5.3.2.6. */
    static final Duration ANSWER_TIMEOUT = Duration.ofMinutes(10);

    private MailServer() {}

    public static JavaMailSender of(Settings settings, Clock clock) {
        return of(settings, clock, STEP_TIMEOUT, MAIL_TIMEOUT, ANSWER_TIMEOUT);
    }

    static JavaMailSender of(
            Settings settings, Clock clock, Duration stepTimeout, Duration mailTimeout, Duration answerTimeout) {
        Settings.Mail server = settings.mail();
        if (server.host().isEmpty()) {
            return new EmlFileSender(server.directory(), clock);
        }
        boolean tls = server.security() == Settings.MailSecurity.TLS;
        DeadlineSocketFactory sockets = new DeadlineSocketFactory(mailTimeout);
        SmtpSender sender = new SmtpSender(sockets, tls, answerTimeout);
        sender.setHost(server.host().get());
        sender.setPort(server.port());
        Properties properties = sender.getJavaMailProperties();
        String prefix = "mail." + sender.getProtocol() + ".";
        for (String timeout : new String[] {"connectiontimeout", "timeout", "writetimeout"}) {
            properties.setProperty(prefix + timeout, String.valueOf(stepTimeout.toMillis()));
        }
        properties.put(prefix + (tls ? "ssl.socketFactory" : "socketFactory"), sockets);
        properties.setProperty(prefix + "socketFactory.fallback", "false");
        properties.setProperty(prefix + "ssl.checkserveridentity", "true");
        if (server.security() == Settings.MailSecurity.STARTTLS) {
            properties.setProperty(prefix + "starttls.enable", "true");
            properties.setProperty(prefix + "starttls.required", "true");
        }
        // The server has answered to the mail: what it says to QUIT changes nothing, and may take long.
        properties.setProperty(prefix + "quitwait", "false");
        // If the server rejects a recipient, the others still get the mail.
        properties.setProperty(prefix + "sendpartial", "true");
        if (server.username().isPresent()) {
            properties.setProperty(prefix + "auth", "true");
            sender.setUsername(server.username().get());
            sender.setPassword(server.password());
        }
        return sender;
    }

    /** The threads of the route {@code send-mail}. */
    public static ThreadPoolProfile threads() {
        return threads("mailThreads", Channel.MAIL);
    }

    /** The threads of a channel's route, one for each attempt; more mails wait only while one is ending. */
    static ThreadPoolProfile threads(String name, Channel channel) {
        return new ThreadPoolProfileBuilder(name)
                .poolSize(channel.maxAttempts())
                .maxPoolSize(channel.maxAttempts())
                .maxQueueSize(channel.maxAttempts())
                .keepAliveTime(10L)
                .allowCoreThreadTimeOut(true)
                .build();
    }

    /** Where mails are sent, as text for log lines and answers. */
    public static String describe(Settings settings) {
        Settings.Mail server = settings.mail();
        return server.host()
                .map(host ->
                        host + ":" + server.port() + ", " + server.security().code())
                .orElseGet(() -> "files in " + server.directory() + " (callboard.mail.host is not set)");
    }
}
