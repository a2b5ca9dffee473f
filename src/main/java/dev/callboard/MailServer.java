package dev.callboard;

import java.nio.file.Path;
import java.time.Clock;
import java.util.Properties;
import org.apache.camel.component.mail.DefaultJavaMailSender;
import org.apache.camel.component.mail.JavaMailSender;

/** Where mails go, by the settings: a mail server, or a folder. */
final class MailServer {
    /** How long the server may take to connect, to answer a command and to take a piece of a mail. */
    private static final String TIMEOUT_MS = "10000";

    private MailServer() {}

    static JavaMailSender of(Settings settings, Clock clock) {
        if (settings.get("callboard.mail.host").isEmpty()) {
            return new EmlDirectory(Path.of(settings.get("callboard.mail.directory")), clock);
        }
        boolean tls = settings.get("callboard.mail.security").equals("tls");
        String protocol = tls ? "smtps" : "smtp";
        DefaultJavaMailSender sender = new DefaultJavaMailSender();
        sender.setProtocol(protocol);
        sender.setHost(settings.get("callboard.mail.host"));
        sender.setPort(settings.port("callboard.mail.port"));
        Properties properties = sender.getJavaMailProperties();
        String prefix = "mail." + protocol + ".";
        properties.setProperty(prefix + "connectiontimeout", TIMEOUT_MS);
        properties.setProperty(prefix + "timeout", TIMEOUT_MS);
        properties.setProperty(prefix + "writetimeout", TIMEOUT_MS);
        properties.setProperty(prefix + "ssl.checkserveridentity", "true");
        if (settings.get("callboard.mail.security").equals("starttls")) {
            properties.setProperty(prefix + "starttls.enable", "true");
            properties.setProperty(prefix + "starttls.required", "true");
        }
        if (!settings.get("callboard.mail.username").isEmpty()) {
            properties.setProperty(prefix + "auth", "true");
            sender.setUsername(settings.get("callboard.mail.username"));
            sender.setPassword(settings.get("callboard.mail.password"));
        }
        return sender;
    }

    /** For people: where mails go. */
    static String describe(Settings settings) {
        if (settings.get("callboard.mail.host").isEmpty()) {
            return "files in " + settings.get("callboard.mail.directory") + " (callboard.mail.host is not set)";
        }
        return settings.get("callboard.mail.host") + ":" + settings.get("callboard.mail.port") + ", "
                + settings.get("callboard.mail.security");
    }
}
