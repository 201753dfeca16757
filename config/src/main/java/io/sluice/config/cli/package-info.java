// SPDX-License-Identifier: Apache-2.0
/** What modules that extend the command line implement. */
package io.sluice.config.cli;
