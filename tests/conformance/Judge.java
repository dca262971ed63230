// The HL7 validator kept warm: one FHIR resource as JSON per line in, one OperationOutcome as JSON per line out.
// usage: java -cp 'lib/*' -Duser.home=HOME Judge.java FOLDER...   (folders of definitions; prints READY first)

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.r5.elementmodel.Manager.FhirFormat;
import org.hl7.fhir.r5.formats.IParser.OutputStyle;
import org.hl7.fhir.r5.formats.JsonParser;
import org.hl7.fhir.utilities.TimeTracker;
import org.hl7.fhir.utilities.http.ManagedWebAccess;
import org.hl7.fhir.validation.ValidationEngine;
import org.hl7.fhir.validation.service.ValidationService;
import org.hl7.fhir.validation.service.model.InstanceValidatorParameters;
import org.hl7.fhir.validation.service.model.ValidationEngineParameters;

class Judge {
    public static void main(String[] folders) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // the library talks while it loads
        ValidationEngine engine = warmedUp(List.of(folders));
        answers.println("READY");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            byte[] resource = line.getBytes(StandardCharsets.UTF_8);
            var outcome = engine.validate(resource, FhirFormat.JSON, new ArrayList<>(), new ArrayList<>());
            answers.println(new JsonParser().setOutputStyle(OutputStyle.NORMAL).composeString(outcome));
        }
    }

    private static ValidationEngine warmedUp(List<String> folders) throws Exception {
        ManagedWebAccess.setAccessPolicy(ManagedWebAccess.WebAccessPolicy.PROHIBITED);
        var about = new ValidationEngineParameters().setSv("4.0.1").setIgs(folders).setTxServer(null);
        // References are taken for those of a server: the type in them is checked, the target is not sought.
        var rules = new InstanceValidatorParameters().setAssumeValidRestReferences(true);
        var service = new ValidationService(new org.hl7.fhir.r5.renderers.RendererFactory());
        return service.initializeValidator(about, rules, "hl7.fhir.r4.core#4.0.1", new TimeTracker(), List.of());
    }
}
