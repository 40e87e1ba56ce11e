console.log(process.version, process.execArgv);
