// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.model.Kind;
import io.sluice.config.model.KindNames;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice delete}: has the cluster forget resources. */
@Command(
    name = "delete",
    description = "Have the cluster forget resources, by manifests or by name.",
    footer = {
      "",
      "Examples:",
      "  sluice delete -f web.yaml",
      "  sluice delete service web -n shop",
      "",
      "Exits with 1 if one was not there."
    })
public final class DeleteCommand implements SluiceCommand {
  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;
  @Mixin private NodeClient client;
  @Mixin private ManifestFiles files;

  @Parameters(
      arity = "0..*",
      paramLabel = "KIND NAME",
      description = "a kind, and the names of what is to be deleted")
  private List<String> names = new ArrayList<>();

  @Option(
      names = {"-n", "--namespace"},
      defaultValue = "default",
      description = "where it is (default: ${DEFAULT-VALUE})")
  private String namespace;

  @Option(names = "--dry-run", description = "say what would be done, and do nothing")
  private boolean dryRun;

  @Override
  public Integer call() {
    if (files.isEmpty() == names.isEmpty()) {
      throw new ParameterException(spec.commandLine(), "what? give -f FILE, or KIND NAME");
    }
    ChangeReport report = new ChangeReport(spec);
    files.each(
        manifest ->
            report.add(
                client.exchange(
                    "POST",
                    ApplyCommand.path("delete", manifest.name(), dryRun),
                    manifest.content(),
                    ApplyCommand.YAML,
                    ApplyCommand.PATIENCE)));
    if (!names.isEmpty()) {
      byName(report);
    }
    return report.exitCode();
  }

  private void byName(ChangeReport report) {
    Kind kind =
        KindNames.find(names.get(0))
            .orElseThrow(
                () -> new ParameterException(spec.commandLine(), KindNames.unknown(names.get(0))));
    if (names.size() == 1) {
      throw new ParameterException(
          spec.commandLine(), "which " + kind + "? all of a kind are not deleted at once");
    }
    for (String name : names.subList(1, names.size())) {
      report.add(
          client.exchange(
              "DELETE",
              GetCommand.path(kind, namespace, name) + (dryRun ? "?dryRun=true" : ""),
              new byte[0],
              "",
              ApplyCommand.PATIENCE));
    }
  }
}
