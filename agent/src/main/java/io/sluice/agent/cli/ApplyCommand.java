// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import io.sluice.config.cli.SluiceCommand;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice apply}: has the cluster keep resources. */
@Command(
    name = "apply",
    description = "Have the cluster keep resources: any node takes them, all nodes get them.",
    footer = {
      "",
      "The resources of a file are kept all together, or none of them. The answer comes when a",
      "majority of the nodes has them on disk.",
      "",
      "A manifest with a metadata.resourceVersion replaces that version alone.",
      "",
      "Examples:",
      "  sluice apply -f web.yaml",
      "  sluice apply -f manifests/ -R --dry-run",
      "  sluice get service web -o yaml | sed s/8080/8081/ | sluice apply -f -"
    })
public final class ApplyCommand implements SluiceCommand {
  static final Duration PATIENCE = Duration.ofSeconds(90);
  static final String YAML = "application/yaml";

  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;
  @Mixin private NodeClient client;
  @Mixin private ManifestFiles files;

  @Option(names = "--dry-run", description = "say what would be done, and do nothing")
  private boolean dryRun;

  @Override
  public Integer call() {
    if (files.isEmpty()) {
      throw new ParameterException(spec.commandLine(), "which manifests? give -f FILE, DIR or -");
    }
    ChangeReport report = new ChangeReport(spec);
    files.each(
        manifest ->
            report.add(
                client.exchange(
                    "POST",
                    path("apply", manifest.name(), dryRun),
                    manifest.content(),
                    YAML,
                    PATIENCE)));
    return report.exitCode();
  }

  static String path(String what, String file, boolean dryRun) {
    return "/api/v1/" + what + "?file=" + encode(file) + (dryRun ? "&dryRun=true" : "");
  }

  static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
