// SPDX-License-Identifier: Apache-2.0
/** The commands of {@code sluice} that are the agent's own. */
package io.sluice.agent.cli;
