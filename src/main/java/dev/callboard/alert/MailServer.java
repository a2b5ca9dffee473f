package dev.callboard.alert;

import dev.callboard.settings.Settings;
import java.time.Clock;
import java.time.Duration;
import java.util.Properties;
import org.apache.camel.component.mail.DefaultJavaMailSender;
import org.apache.camel.component.mail.JavaMailSender;

/**
 * Where mails go, by the settings: a mail server (RFC 5321, with STARTTLS of RFC 3207 or TLS from the start, RFC 8314),
 * or a folder.
 */
public final class MailServer {
    /** How long the server may take to connect, to answer a command and to take a piece of a mail. */
    private static final Duration STEP = Duration.ofSeconds(10);

    /** How long it may take for one mail altogether; far less than a claim lasts. */
    private static final Duration MAIL = Duration.ofSeconds(60);

    private MailServer() {}

    public static JavaMailSender of(Settings settings, Clock clock) {
        return of(settings, clock, STEP, MAIL);
    }

    public static JavaMailSender of(Settings settings, Clock clock, Duration step, Duration mail) {
        Settings.Mail server = settings.mail();
        if (server.host().isEmpty()) {
            return new EmlDirectory(server.directory(), clock);
        }
        boolean tls = server.security() == Settings.MailSecurity.TLS;
        String protocol = tls ? "smtps" : "smtp";
        DefaultJavaMailSender sender = new DefaultJavaMailSender();
        sender.setProtocol(protocol);
        sender.setHost(server.host().get());
        sender.setPort(server.port());
        Properties properties = sender.getJavaMailProperties();
        String prefix = "mail." + protocol + ".";
        for (String timeout : new String[] {"connectiontimeout", "timeout", "writetimeout"}) {
            properties.setProperty(prefix + timeout, String.valueOf(step.toMillis()));
        }
        properties.put(prefix + (tls ? "ssl.socketFactory" : "socketFactory"), new DeadlineSocketFactory(mail));
        properties.setProperty(prefix + "socketFactory.fallback", "false");
        properties.setProperty(prefix + "ssl.checkserveridentity", "true");
        if (server.security() == Settings.MailSecurity.STARTTLS) {
            properties.setProperty(prefix + "starttls.enable", "true");
            properties.setProperty(prefix + "starttls.required", "true");
        }
        // One recipient who is refused does not keep the mail from the others.
        properties.setProperty(prefix + "sendpartial", "true");
        if (server.username().isPresent()) {
            properties.setProperty(prefix + "auth", "true");
            sender.setUsername(server.username().get());
            sender.setPassword(server.password());
        }
        return sender;
    }

    /** For people: where mails go. */
    public static String describe(Settings settings) {
        Settings.Mail server = settings.mail();
        return server.host()
                .map(host ->
                        host + ":" + server.port() + ", " + server.security().word())
                .orElseGet(() -> "files in " + server.directory() + " (callboard.mail.host is not set)");
    }
}
