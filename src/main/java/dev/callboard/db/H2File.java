package dev.callboard.db;

import dev.callboard.settings.StartException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;

/** Where H2 keeps its file. Only its owner may read it, since it holds what providers sent. */
final class H2File {
    private final String path;

    H2File(String url) {
        this.path = url.substring(H2Engine.PREFIX.length()).split(";", 2)[0].replaceFirst("^file:", "");
    }

    /**
     * Creates the folder if it is missing, and takes all permissions on it and on the database's files from others than
     * their owner.
     *
     * @throws StartException if that fails
     */
    void restrictAccess() {
        if (path.matches("[A-Za-z]\\w+:.*")) {
            // In a file system of H2's own.
            return;
        }
        Path database = Path.of(
                        path.replaceFirst("^~/", Matcher.quoteReplacement(System.getProperty("user.home") + "/")))
                .toAbsolutePath()
                .normalize();
        Path folder = database.getParent();
        try {
            PrivateFiles.createFolder(folder);
            // In the working directory there are other files, to which others may need access.
            if (!folder.equals(Path.of("").toAbsolutePath())) {
                PrivateFiles.restrictFolder(folder);
            }
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, database.getFileName() + ".*.db")) {
                for (Path file : files) {
                    PrivateFiles.restrictFile(file);
                }
            }
        } catch (IOException e) {
            throw StartException.of(
                    Database.KEY, "the folder " + folder + " can't be made private (" + e.getMessage() + ")");
        }
    }
}
